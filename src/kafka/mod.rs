//! The log port on librdkafka; topics planned and applied.
