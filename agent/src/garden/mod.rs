//! The walled garden's page.
