"""One file per published graph format, each to a KnowledgeGraph."""
