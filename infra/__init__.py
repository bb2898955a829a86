"""The plumbing: settings, Postgres, Kafka, sealing, logs."""
