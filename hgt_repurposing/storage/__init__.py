"""Files: artefacts, where they lie, who may write, checkpoints."""
