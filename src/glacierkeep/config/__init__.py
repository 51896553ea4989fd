"""Where things live and what is wanted: read by cli, handed to the rest as arguments."""
