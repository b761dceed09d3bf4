"""The knowledge graph: its types, its sources and its splits."""
