"""What people tell terminals over FM besides alerts: shown first, said when confirmed, answered by nobody."""
