//! apalis-lease
