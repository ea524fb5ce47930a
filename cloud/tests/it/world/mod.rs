//! Tests that count the world: every operation, every table, every kind of problem. What is new is covered the day it appears.

mod operations;
mod problems;
mod tables;
