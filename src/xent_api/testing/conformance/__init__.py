"""The tests of ``pytest --pyargs xent_api.testing --xent-backend NAME``."""
