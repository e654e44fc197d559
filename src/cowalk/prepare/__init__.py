"""Files or tables -> Events -> Sessions -> Split -> ItemGraph, and attributes -> Catalogue -> SideInfo."""
