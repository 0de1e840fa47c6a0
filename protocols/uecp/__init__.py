"""Universal Encoder Communication Protocol (SPB 490, IEC 62106-10): how ordinary RDS encoders are driven."""
