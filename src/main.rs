fn main() -> std::process::ExitCode {
    attestream::cli::main(std::env::args_os()).into()
}
