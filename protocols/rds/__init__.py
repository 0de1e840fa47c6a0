"""Radio Data System: the block code every subcarrier stream rests on (EN 50067)."""
