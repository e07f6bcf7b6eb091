"""Words without I/O: vocabulary, touchpoint, codec, rejects, topics, tables, catalogue and the source systems."""
