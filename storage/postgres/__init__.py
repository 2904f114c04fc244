"""A dataset in a PostgreSQL database, behind the same Repository."""
