//! Tests that count the world: every operation, every table, every page, every kind of problem. What is new is covered the day it appears.

mod jobs;
mod operations;
mod pages;
mod problems;
mod tables;
