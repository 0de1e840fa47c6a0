"""Who may phone or text an adapter (GD/J 089 table A.5): a list that operators keep, and what adapters took of it."""
