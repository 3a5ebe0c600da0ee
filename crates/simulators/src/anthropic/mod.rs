//! Anthropic: follows.
