//! The built program in a real pseudo-terminal. The screen is kept by a terminal emulator; waiting is for
//! what the screen shows, never for time.

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long something may take to appear: a limit for a broken program, not a measure of a working one.
const LIMIT: Duration = Duration::from_mins(2);

/// A program in a terminal.
pub struct Terminal {
    master: Box<dyn MasterPty + Send>,
    keyboard: Arc<Mutex<Box<dyn Write + Send>>>,
    child: Box<dyn Child + Send + Sync>,
    seen: Arc<Seen>,
}

struct Seen {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    parser: vt100::Parser,
    /// Everything that was ever written, for what must never be.
    raw: Vec<u8>,
    /// What is sent once these bytes have come: by a terminal that is slow to hear them.
    late: Option<(Vec<u8>, Vec<u8>)>,
    closed: bool,
}

impl Seen {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Terminal {
    /// Starts the built program with `arguments` in `folder`.
    pub fn start(arguments: &[&str], folder: &Path, environment: &[(&str, &str)], columns: u16, rows: u16) -> Self {
        Self::start_program(Self::built(), arguments, folder, environment, columns, rows)
    }

    /// The built program; tests inside of the library have none.
    #[allow(clippy::option_env_unwrap, reason = "compiled into the library's tests too, which have no such program")]
    fn built() -> &'static Path {
        Path::new(option_env!("CARGO_BIN_EXE_tenantry").expect("a test target of its own"))
    }

    /// Starts any program, below a shell that checks that the terminal's settings are afterwards as they were:
    /// it then prints `settings kept, status N`.
    pub fn start_program(
        program: &Path,
        arguments: &[&str],
        folder: &Path,
        environment: &[(&str, &str)],
        columns: u16,
        rows: u16,
    ) -> Self {
        // What was typed and not read is then typed into the shell. Signals of the keyboard reach it as well, and only the
        // program is meant.
        let script = r#"trap : INT QUIT; before=$(stty -g); "$@"; status=$?
            if [ "$(stty -g)" = "$before" ]; then echo "settings kept, status $status"; else echo "settings broken, status $status"; fi
            IFS= read -r line; echo "typed <$line>""#;
        let mut command = CommandBuilder::new("sh");
        command.args(["-c", script, "sh"]);
        command.arg(program);
        command.args(arguments);
        Self::spawn(command, folder, environment, columns, rows)
    }

    /// Starts a shell with job control and the prompt `sh> `, in which `tenantry` is `command`, else the built program.
    pub fn start_shell(
        command: Option<&str>,
        folder: &Path,
        environment: &[(&str, &str)],
        columns: u16,
        rows: u16,
    ) -> Self {
        let tenantry = command.map_or_else(|| Self::built().display().to_string(), str::to_owned);
        let mut command = CommandBuilder::new("bash");
        command.args(["--norc", "--noprofile", "--noediting", "-i"]);
        command.env("PS1", "sh> ");
        command.env("HISTFILE", "/dev/null");
        let mut terminal = Self::spawn(command, folder, environment, columns, rows);
        terminal.type_keys(&format!("alias tenantry='{tenantry}'\n"));
        terminal.type_keys("echo $((20+1)) shells\n");
        terminal.wait_for("21 shells");
        terminal
    }

    fn spawn(
        mut command: CommandBuilder,
        folder: &Path,
        environment: &[(&str, &str)],
        columns: u16,
        rows: u16,
    ) -> Self {
        command.cwd(folder);
        command.env("TERM", "xterm-256color");
        command.env("COLORTERM", "truecolor");
        command.env_remove("NO_COLOR");
        for (key, value) in environment {
            command.env(key, value);
        }
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let child = pair.slave.spawn_command(command).expect("the program starts");
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let state = State { parser: vt100::Parser::new(rows, columns, 0), raw: Vec::new(), late: None, closed: false };
        let seen = Arc::new(Seen { state: Mutex::new(state), changed: Condvar::new() });
        let keyboard = Arc::new(Mutex::new(pair.master.take_writer().expect("a writer")));
        let (writes, late) = (Arc::clone(&seen), Arc::clone(&keyboard));
        std::thread::spawn(move || {
            let mut buffer = vec![0; 65536];
            loop {
                let read = reader.read(&mut buffer).unwrap_or(0);
                let mut state = writes.lock();
                state.parser.process(&buffer[..read]);
                state.raw.extend_from_slice(&buffer[..read]);
                let State { raw, late: wanted, .. } = &mut *state;
                if let Some((_, sends)) = wanted.take_if(|(what, _)| ends_after(raw, read, what)) {
                    let mut keyboard = late.lock().unwrap_or_else(PoisonError::into_inner);
                    let _ = keyboard.write_all(&sends).and_then(|()| keyboard.flush());
                }
                state.closed = read == 0;
                writes.changed.notify_all();
                if read == 0 {
                    return;
                }
            }
        });
        Self { master: pair.master, keyboard, child, seen }
    }

    /// What the screen shows.
    pub fn text(&self) -> String {
        self.seen.lock().parser.screen().contents()
    }

    /// Everything that was ever written to the terminal.
    pub fn raw(&self) -> Vec<u8> {
        self.seen.lock().raw.clone()
    }

    /// Waits until the screen satisfies `holds`; panics with the screen when it never does.
    pub fn wait_until(&self, what: &str, holds: impl Fn(&str) -> bool) -> String {
        let state = self.seen.lock();
        let unmet = |state: &mut State| !state.closed && !holds(&state.parser.screen().contents());
        let (state, _) =
            self.seen.changed.wait_timeout_while(state, LIMIT, unmet).unwrap_or_else(PoisonError::into_inner);
        let text = state.parser.screen().contents();
        assert!(holds(&text), "never on the screen: {what}\n{text}\n");
        text
    }

    /// Waits until `what` is on the screen.
    pub fn wait_for(&self, what: &str) -> String {
        self.wait_until(what, |text| text.contains(what))
    }

    /// Waits until `what` is no longer on the screen.
    pub fn wait_gone(&self, what: &str) -> String {
        self.wait_until(&format!("no {what}"), |text| !text.contains(what))
    }

    /// Types `keys` as they are: `\r` is Enter, `\t` Tab, `\u{1b}` Escape, `\u{3}` Ctrl-C.
    pub fn type_keys(&mut self, keys: &str) {
        let mut keyboard = self.keyboard.lock().unwrap_or_else(PoisonError::into_inner);
        keyboard.write_all(keys.as_bytes()).and_then(|()| keyboard.flush()).expect("the terminal takes keys");
    }

    /// Once, when `what` is written to the terminal, it sends `keys`: they were under way already.
    pub fn send_late(&mut self, what: &str, keys: &str) {
        self.seen.lock().late = Some((what.into(), keys.into()));
    }

    /// Waits until all that was ever written to the terminal satisfies `holds`.
    pub fn wait_raw(&self, what: &str, holds: impl Fn(&[u8]) -> bool) {
        let state = self.seen.lock();
        let unmet = |state: &mut State| !state.closed && !holds(&state.raw);
        let (state, _) =
            self.seen.changed.wait_timeout_while(state, LIMIT, unmet).unwrap_or_else(PoisonError::into_inner);
        assert!(holds(&state.raw), "never written: {what}\n{}", state.parser.screen().contents());
    }

    /// Waits until the terminal is the shell's, or the program's: settings that can be seen, mouse included.
    pub fn wait_whose(&self, programs: bool) {
        let is_so = |state: &State| {
            let screen = state.parser.screen();
            let modes = [screen.alternate_screen(), screen.hide_cursor(), screen.bracketed_paste()];
            modes == [programs; 3] && (programs || screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None)
        };
        let state = self.seen.lock();
        let other = |state: &mut State| !state.closed && !is_so(state);
        let (state, _) =
            self.seen.changed.wait_timeout_while(state, LIMIT, other).unwrap_or_else(PoisonError::into_inner);
        assert!(is_so(&state), "the program's: {programs}\n{}", state.parser.screen().contents());
    }

    /// Makes the terminal another size.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.seen.lock().parser.screen_mut().set_size(rows, columns);
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        self.master.resize(size).expect("the terminal takes a size");
    }

    /// The process id of the program itself, below the shell.
    pub fn program(&self) -> i32 {
        let shell = self.child.process_id().expect("it runs");
        let path = format!("/proc/{shell}/task/{shell}/children");
        let children = std::fs::read_to_string(path).expect("its children");
        children.split_whitespace().next().expect("the program runs").parse().expect("a number")
    }

    /// Waits for the end; answers the program's exit status. The terminal must be whole: settings, screen,
    /// cursor, mouse and paste modes.
    pub fn wait_for_whole_end(&mut self) -> i32 {
        let text = self.wait_until("settings kept or broken", |text| text.contains("settings "));
        assert!(text.contains("settings kept"), "{text}");
        {
            let state = self.seen.lock();
            let screen = state.parser.screen();
            assert!(!screen.alternate_screen(), "still on the alternate screen");
            assert!(!screen.hide_cursor(), "the cursor is hidden");
            assert!(!screen.bracketed_paste(), "bracketed paste is on");
            assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
            let last = |mode: &[u8]| state.raw.windows(mode.len()).rposition(|window| window == mode);
            assert!(last(b"\x1b[?1004l") >= last(b"\x1b[?1004h"), "the terminal still says where the focus is");
        }
        self.type_keys("the end\n");
        let typed = self.wait_until("what was typed", |text| text.contains("typed <"));
        assert!(typed.contains("typed <the end>"), "something was left for the shell: {typed}");
        let _ = self.child.wait();
        let status = text.rsplit("status ").next().unwrap_or_default();
        status.split_whitespace().next().and_then(|word| word.parse().ok()).expect("a status")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// True where `what` ends within the last `read` bytes.
fn ends_after(raw: &[u8], read: usize, what: &[u8]) -> bool {
    let before = raw.len().saturating_sub(read + what.len().saturating_sub(1));
    raw[before..].windows(what.len()).any(|window| window == what)
}
