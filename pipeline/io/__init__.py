"""The only place with clients: Kafka, ClickHouse, Prometheus and HTTP."""
