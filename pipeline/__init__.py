"""The pipeline: a pure core (`core`, `measures`, `live`), its ports, and the only place with clients (`io`)."""
