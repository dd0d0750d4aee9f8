"""Bills of meters: what they are called, and the files that name a meter beside the building."""
