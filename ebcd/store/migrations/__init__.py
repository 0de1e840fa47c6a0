"""Schema migrations, one file a version under `versions/`, run from inside the program without an alembic.ini."""
