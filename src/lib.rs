//! Paragon.
