//! A tenant's program that does on request what a test wants to see. One request per connection, `GET` only; the path
//! says what: `/say/100` logs 100 lines, `/exit/3` ends, `/eat` takes memory until there is none, `/burn/500` keeps a
//! processor busy for so many ms, `/write/a=text` and `/read/a` use the volume, `/may` tells what its root may do.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::time::{Duration, Instant};

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("eat") => eat(),
        Some("exit") => std::process::exit(7),
        Some("as-other") => return,
        _ => {}
    }
    println!("INFO  the probe listens");
    let listener = TcpListener::bind("0.0.0.0:8080").unwrap();
    for stream in listener.incoming() {
        std::thread::spawn(move || answer(stream.unwrap()));
    }
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte)? == 1 {
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or("/").to_owned();
    let mut parts = path.trim_start_matches('/').splitn(2, '/');
    let (verb, rest) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let body = match verb {
        "say" => {
            let count: u32 = rest.parse().unwrap();
            let mut out = std::io::stdout().lock();
            for number in 0..count {
                writeln!(out, "INFO  line {number} {}", "x".repeat(900))?;
            }
            "said".to_owned()
        }
        "exit" => std::process::exit(rest.parse().unwrap()),
        "eat" => eat(),
        "burn" => {
            let end = Instant::now() + Duration::from_millis(rest.parse().unwrap());
            let mut number = 0u64;
            while Instant::now() < end {
                number = std::hint::black_box(number.wrapping_add(1));
            }
            "burnt".to_owned()
        }
        "write" => {
            let (name, text) = rest.split_once('=').unwrap();
            std::fs::write(format!("/app/services/{name}"), text)?;
            "written".to_owned()
        }
        "big" => {
            std::fs::write("/app/services/big", vec![7; rest.parse().unwrap()])?;
            "written".to_owned()
        }
        "read" => std::fs::read_to_string(format!("/app/services/{rest}")).unwrap_or_else(|error| format!("! {error}")),
        "may" => may(),
        _ => "well".to_owned(),
    };
    write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

fn eat() -> ! {
    let mut eaten: Vec<Vec<u8>> = Vec::new();
    loop {
        eaten.push(vec![1; 1024 * 1024]);
    }
}

/// What entry scripts do, and what nobody should.
fn may() -> String {
    std::fs::create_dir_all("/tmp/own").unwrap();
    let chown = std::os::unix::fs::chown("/tmp/own", Some(1000), Some(1000)).is_ok();
    let other = std::process::Command::new("/proc/self/exe")
        .arg("as-other")
        .uid(1000)
        .gid(1000)
        .stdout(std::process::Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = |name: &str| status.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    let capabilities = line("CapEff:").split_whitespace().nth(1).unwrap_or_default().to_owned();
    let no_new = line("NoNewPrivs:").split_whitespace().nth(1).unwrap_or_default().to_owned();
    let chroot = std::os::unix::fs::chroot("/tmp/own").is_ok();
    format!("chown={chown} other={other} chroot={chroot} capabilities={capabilities} no_new={no_new}")
}
