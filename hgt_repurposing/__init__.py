"""Which approved drug could help in this disease? From a biomedical knowledge graph to ranked drugs."""
