//! Tests of the whole room: flows through `update`, pictures, and random play.
