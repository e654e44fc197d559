-- The edges with both ends as codes, in the order of files and rows.
CREATE TABLE coded AS
SELECT a.code AS src, b.code AS dst, e.weight AS weight
FROM edges AS e
JOIN node_ids AS a ON a.id = e.src
JOIN node_ids AS b ON b.id = e.dst
ORDER BY e.seq
