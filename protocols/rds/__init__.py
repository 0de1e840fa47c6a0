"""Radio Data System (EN 50067): the block code every subcarrier stream rests on, and an ordinary station's groups."""
