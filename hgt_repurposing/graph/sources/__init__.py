"""One loader per published graph format, each returning a KnowledgeGraph."""
