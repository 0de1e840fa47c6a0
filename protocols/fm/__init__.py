"""Emergency commands on the 57 kHz subcarrier of an FM programme (GD/J 085-2018)."""
