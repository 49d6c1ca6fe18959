"""Raw files: fetch them, check that they are the right ones, read their formats."""
