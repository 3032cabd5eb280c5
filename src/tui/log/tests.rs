//! The log as a whole: beside a model that does everything the slow way, and by example.

mod examples;
mod naive;
mod random;
