"""Words in, words out: Click, Rich, exit codes."""
