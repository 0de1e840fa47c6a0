"""Sound: spoken text, alarm tones, MP3. Plain functions that take time; the daemon runs them away from its loop."""
