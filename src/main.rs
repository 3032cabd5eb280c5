//! The program: hands over to the command line and ends with its exit code.

use std::process::ExitCode;

fn main() -> color_eyre::Result<ExitCode> {
    tenantry::cli::main()
}
