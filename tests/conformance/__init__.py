"""docs/conformance.md: which clause of which standard is done where and proved by which test, and every gap by name."""
