-- One row per item and value, in the order of items and of codes.
CREATE TABLE coded_values AS
SELECT v.place AS place, c.code AS code
FROM $source AS v
JOIN value_ids AS c ON c.id = v.value
ORDER BY v.place, c.code
