//! A Chromium without a window, driven over its `DevTools` protocol: just what the tests of a page need.

use crate::support::within;
use base64::Engine as _;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Mutex as Plain;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::Mutex;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// The program, where there is one.
pub fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    std::env::split_paths(&path).flat_map(|folder| names.map(|name| folder.join(name))).find(|file| file.is_file())
}

/// A browser with a profile of its own, gone with this value.
pub struct Chromium {
    _child: Child,
    _profile: tempfile::TempDir,
    address: String,
}

impl Chromium {
    pub async fn start() -> Self {
        let profile = tempfile::tempdir().expect("a folder");
        let mut command = Command::new(program().expect("Chromium"));
        command
            .args(["--headless", "--no-sandbox", "--remote-debugging-port=0", "--disable-gpu", "--no-first-run"])
            .args(["--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update"])
            .args(["--no-proxy-server", "--hide-scrollbars", "--disable-extensions", "--disable-sync"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let child = command.spawn().expect("Chromium starts");
        let file = profile.path().join("DevToolsActivePort");
        let address = within("Chromium's port", async {
            loop {
                if let Ok(said) = tokio::fs::read_to_string(&file).await
                    && let Some((port, path)) = said.split_once('\n')
                    && path.starts_with('/')
                {
                    return format!("ws://127.0.0.1:{port}{}", path.trim_end());
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        Self { _child: child, _profile: profile, address }
    }

    /// A new page.
    pub async fn page(&self) -> Page {
        let (socket, _) = connect_async(&self.address).await.expect("Chromium answers");
        let wire = Mutex::new(Wire { socket, last: 0 });
        let mut page = Page { wire, session: String::new(), violations: Plain::default() };
        let target = page.call("Target.createTarget", json!({ "url": "about:blank" })).await;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = page.call("Target.attachToTarget", attach).await;
        attached["sessionId"].as_str().expect("a session").clone_into(&mut page.session);
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            page.call(domain, json!({})).await;
        }
        page
    }
}

struct Wire {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    last: u64,
}

/// One page.
pub struct Page {
    wire: Mutex<Wire>,
    session: String,
    violations: Plain<Vec<String>>,
}

impl Page {
    async fn try_call(&self, method: &str, params: Value) -> Result<Value, Value> {
        let mut wire = self.wire.lock().await;
        wire.last += 1;
        let id = wire.last;
        let mut call = json!({ "id": id, "method": method, "params": params });
        if !self.session.is_empty() {
            call["sessionId"] = json!(self.session);
        }
        wire.socket.send(Message::text(call.to_string())).await.expect("sent");
        within(method, async {
            loop {
                let message = wire.socket.next().await.expect("Chromium runs").expect("a message");
                let Message::Text(raw) = message else { continue };
                let said: Value = serde_json::from_str(&raw).expect("JSON");
                if said["id"] == id {
                    return said.get("error").map_or_else(|| Ok(said["result"].clone()), |error| Err(error.clone()));
                }
                if said["method"] == "Log.entryAdded" && said["params"]["entry"]["source"] == "security" {
                    let words = said["params"]["entry"]["text"].to_string();
                    self.violations.lock().expect("no panic").push(words);
                }
            }
        })
        .await
    }

    async fn call(&self, method: &str, params: Value) -> Value {
        self.try_call(method, params.clone()).await.unwrap_or_else(|error| panic!("{method} {params}: {error}"))
    }

    /// What the page's policy had to stop.
    pub fn violations(&self) -> Vec<String> {
        self.violations.lock().expect("no panic").clone()
    }

    pub async fn scripts(&self, allowed: bool) {
        self.call("Emulation.setScriptExecutionDisabled", json!({ "value": !allowed })).await;
    }

    /// Width, height, and `light` or `dark`.
    pub async fn look(&self, width: u32, height: u32, scheme: &str) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", size).await;
        let feature = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.call("Emulation.setEmulatedMedia", feature).await;
    }

    /// Goes to an address and waits until it is there.
    pub async fn go(&self, url: &str) {
        let went = self.call("Page.navigate", json!({ "url": url })).await;
        assert!(went.get("errorText").is_none(), "{went}");
        self.wait_for(&format!("location.href === {} && document.readyState === 'complete'", json!(url))).await;
    }

    /// The back button.
    pub async fn back(&self) {
        let history = self.call("Page.getNavigationHistory", json!({})).await;
        let at = usize::try_from(history["currentIndex"].as_u64().expect("a number")).expect("small");
        let entry = history["entries"][at - 1]["id"].clone();
        self.call("Page.navigateToHistoryEntry", json!({ "entryId": entry })).await;
    }

    async fn ask(&self, expression: &str) -> Result<Value, Value> {
        let params = json!({ "expression": expression, "returnByValue": true });
        let answer = self.try_call("Runtime.evaluate", params).await?;
        match answer.get("exceptionDetails") {
            Some(thrown) => Err(thrown.clone()),
            None => Ok(answer["result"]["value"].clone()),
        }
    }

    /// The value of an expression: this works also where the page's own scripts do not.
    pub async fn evaluate(&self, expression: &str) -> Value {
        self.ask(expression).await.unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    /// Waits until it is true, over any number of pages.
    pub async fn wait_for(&self, expression: &str) {
        within(expression, async {
            while self.ask(expression).await != Ok(json!(true)) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
    }

    pub async fn text(&self, selector: &str) -> String {
        let value = self.evaluate(&format!("document.querySelector({}).innerText", json!(selector))).await;
        value.as_str().expect("text").to_owned()
    }

    async fn middle(&self, selector: &str) -> (f64, f64) {
        let find = format!(
            "(() => {{ const element = document.querySelector({}); element.scrollIntoView({{ behavior: 'instant' }}); \
             const box = element.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; }})()",
            json!(selector)
        );
        let at = self.evaluate(&find).await;
        (at[0].as_f64().expect("a number"), at[1].as_f64().expect("a number"))
    }

    async fn press(&self, (x, y): (f64, f64), count: u32) {
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({ "type": kind, "x": x, "y": y, "button": "left", "clickCount": count });
            self.call("Input.dispatchMouseEvent", event).await;
        }
    }

    /// With the mouse, in the middle of the element.
    pub async fn click(&self, selector: &str) {
        let at = self.middle(selector).await;
        self.press(at, 1).await;
    }

    pub async fn double_click(&self, selector: &str) {
        let at = self.middle(selector).await;
        self.press(at, 1).await;
        self.press(at, 2).await;
    }

    pub async fn key(&self, key: &str, code: u32) {
        let text = if key == "Enter" { "\r" } else { "" };
        let down = json!({ "type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text });
        self.call("Input.dispatchKeyEvent", down).await;
        let up = json!({ "type": "keyUp", "key": key, "code": key, "windowsVirtualKeyCode": code });
        self.call("Input.dispatchKeyEvent", up).await;
    }

    /// A PNG of what is seen.
    pub async fn picture(&self) -> Vec<u8> {
        let shot = self.call("Page.captureScreenshot", json!({ "format": "png" })).await;
        let data = shot["data"].as_str().expect("a picture");
        base64::engine::general_purpose::STANDARD.decode(data).expect("base64")
    }
}
