"""Files and one stream: finding them on disk, packing them into a tar, placing them back. No catalog, no network."""
