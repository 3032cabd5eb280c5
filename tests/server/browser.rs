//! The sandbox's payment page in a real browser: Chromium, without a window, driven over its `DevTools` protocol. Every
//! way through the page is gone twice: with scripts, and without any.
//!
//! Where Chromium is not installed these tests are skipped and counted aloud; with `CI=true` that is a failure.
//! `TENANTRY_SCREENSHOTS=DIR` keeps the pictures.

mod chromium;

use self::chromium::{Chromium, Page};
use crate::payments::tenants;
use crate::store::{Kind, trial};
use crate::support::{House, Person, text};
use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};
use std::time::Duration;
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

/// Every test; the page is the same on every store.
pub fn trials() -> Vec<Trial> {
    macro_rules! all {
        ($($test:ident),* $(,)?) => { vec![$(trial(Kind::Sqlite, module_path!(), stringify!($test), $test)),*] };
    }
    let all = all![
        paying_with_scripts,
        paying_without_scripts,
        leaving_declining_and_coming_back_with_scripts,
        leaving_declining_and_coming_back_without_scripts,
        paying_twice_with_scripts,
        paying_twice_without_scripts,
        the_keyboard_is_enough,
        the_page_fits_and_can_be_looked_at,
    ];
    if chromium::program().is_some() {
        return all;
    }
    if std::env::var("CI").is_ok_and(|value| value == "true") {
        return vec![Trial::test("browser", || Err(Failed::from("Chromium is not installed, and CI=true needs it")))];
    }
    eprintln!("\nSKIPPED {} tests: Chromium is not installed (Debian: chromium).\n", all.len());
    Vec::new()
}

/// A server whose steps take a moment, so that there is something to watch.
async fn house() -> House {
    House::start_with(|settings| settings.step_delay = Duration::from_millis(120)).await
}

async fn open(session: &Value, scripts: bool) -> (Chromium, Page) {
    let chromium = Chromium::start().await;
    let page = chromium.page().await;
    page.scripts(scripts).await;
    page.go(&text(&session["checkout_url"])).await;
    (chromium, page)
}

async fn paying_with_scripts() {
    paying(true).await;
}

async fn paying_without_scripts() {
    paying(false).await;
}

async fn paying(scripts: bool) {
    let house = house().await;
    let session = house.mara.checkout().await;
    let (_chromium, page) = open(&session, scripts).await;
    let shown = page.text("main").await;
    for words in ["Basic", "Europe (Frankfurt)", "1024 MB memory", "19.00 EUR per month", "A new tenant"] {
        assert!(shown.contains(words), "{shown}");
    }
    assert_eq!(page.evaluate("document.documentElement.lang").await, "en");
    // The page's own style is allowed, so the policy names it rightly.
    assert_eq!(page.evaluate("getComputedStyle(document.querySelector('main')).borderTopLeftRadius").await, "14px");
    page.click("button.pay").await;
    page.wait_for("document.querySelector('h1')?.textContent === 'Paid'").await;
    assert_eq!(page.evaluate("location.pathname").await, format!("/pay/{}", text(&session["checkout_session_id"])));
    page.evaluate("window.same = true").await;
    page.wait_for("document.querySelector('#steps')?.textContent.includes('ready for the first deploy')").await;
    page.wait_for("document.querySelector('#progress').dataset.state === 'done'").await;
    assert!(page.text("#text").await.contains("Go back to your terminal"));
    // Followed live by the script, by loading again without it.
    assert_eq!(page.evaluate("window.same === true").await, scripts);
    assert_eq!(tenants(&house.mara).await.len(), 1);
    // Back: the form does not come again.
    page.back().await;
    page.wait_for("document.readyState === 'complete'").await;
    page.go(&text(&session["checkout_url"])).await;
    assert_eq!(page.evaluate("document.querySelector('form') === null").await, true);
    assert_eq!(tenants(&house.mara).await.len(), 1);
    assert_eq!(page.violations(), Vec::<String>::new());
}

async fn leaving_declining_and_coming_back_with_scripts() {
    leaving_and_declining(true).await;
}

async fn leaving_declining_and_coming_back_without_scripts() {
    leaving_and_declining(false).await;
}

async fn leaving_and_declining(scripts: bool) {
    let house = house().await;
    let mara = &house.mara;
    let session = mara.checkout().await;
    let stream = mara.stream(&Person::session_events(&session), None).await;
    let (_chromium, page) = open(&session, scripts).await;
    page.click("a[href$='/later']").await;
    page.wait_for("document.querySelector('h1')?.textContent === 'Still open'").await;
    assert!(page.text("main").await.contains("Nothing was charged"));
    page.go("about:blank").await;
    page.go(&text(&session["checkout_url"])).await;
    page.click("a[href$='/later']").await;
    page.wait_for("document.querySelector('h1')?.textContent === 'Still open'").await;
    page.click("a.button").await;
    page.wait_for("document.querySelector('button.decline') !== null").await;
    page.click("button.decline").await;
    page.wait_for("document.querySelector('h1')?.textContent === 'Declined'").await;
    assert_eq!(stream.rest().await[0].data["message"], "payment: declined");
    page.back().await;
    page.wait_for("document.readyState === 'complete'").await;
    assert_eq!(page.evaluate("document.querySelector('form') === null").await, true);
    page.go(&text(&session["checkout_url"])).await;
    assert_eq!(page.text("h1").await, "Declined");
    assert_eq!(page.evaluate("document.querySelector('form') === null").await, true);
    assert_eq!(tenants(mara).await.len(), 0);
    assert_eq!(page.violations(), Vec::<String>::new());
}

async fn paying_twice_with_scripts() {
    paying_twice(true).await;
}

async fn paying_twice_without_scripts() {
    paying_twice(false).await;
}

/// Two presses at once, and the browser ends at the client's callback.
async fn paying_twice(scripts: bool) {
    let house = house().await;
    let terminal = MockServer::start().await;
    let answer = ResponseTemplate::new(200).set_body_raw("<!doctype html><h1>terminal</h1>", "text/html");
    Mock::given(path("/callback")).respond_with(answer).mount(&terminal).await;
    // Of the names for this machine, those that a browser's policy treats differently.
    let port = terminal.address().port();
    let name = if scripts { format!("http://127.0.0.1:{port}") } else { format!("http://localhost:{port}") };
    let wish = json!({ "price_id": "pri_sbx_basic", "region": "fra", "redirect_uri": format!("{name}/callback") });
    let session = house.mara.post("/api/v1/checkout", wish).await.ok();
    let (_chromium, page) = open(&session, scripts).await;
    page.double_click("button.pay").await;
    page.wait_for("document.querySelector('h1')?.textContent === 'terminal'").await;
    let query = page.evaluate("location.search").await;
    let expected = format!("?status=pending&checkout_session_id={}", text(&session["checkout_session_id"]));
    assert!(text(&query).starts_with(&expected), "{query}");
    assert_eq!(tenants(&house.mara).await.len(), 1);
    // A browser may have kept the form for its back button. Pressing it again pays nothing more.
    page.back().await;
    page.wait_for("location.pathname !== '/callback' && document.readyState === 'complete'").await;
    if page.evaluate("document.querySelector('button.pay') !== null").await == true {
        page.click("button.pay").await;
        page.wait_for("document.querySelector('h1')?.textContent === 'terminal'").await;
    }
    page.go(&text(&session["checkout_url"])).await;
    assert_eq!(page.text("h1").await, "Paid");
    assert_eq!(tenants(&house.mara).await.len(), 1);
    assert_eq!(page.violations(), Vec::<String>::new());
}

async fn the_keyboard_is_enough() {
    let house = house().await;
    let session = house.mara.checkout().await;
    let (_chromium, page) = open(&session, true).await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        page.key("Tab", 9).await;
        seen.push(text(&page.evaluate("document.activeElement.textContent").await));
        // Whoever uses the keyboard sees where it is.
        assert_eq!(page.evaluate("getComputedStyle(document.activeElement).outlineWidth").await, "3px", "{seen:?}");
    }
    assert_eq!(seen, ["Pay 19.00 EUR", "Decline", "Decide later"]);
    page.evaluate("document.querySelector('button.pay').focus()").await;
    page.key("Enter", 13).await;
    page.wait_for("document.querySelector('h1')?.textContent === 'Paid'").await;
    // Said to those who hear the page.
    assert_eq!(page.evaluate("document.querySelector('#text').getAttribute('role')").await, "status");
    assert_eq!(tenants(&house.mara).await.len(), 1);
}

async fn the_page_fits_and_can_be_looked_at() {
    let house = house().await;
    let (open_one, paid) = (house.mara.checkout().await, house.mara.checkout().await);
    house.mara.pay(&paid).await;
    let chromium = Chromium::start().await;
    let page = chromium.page().await;
    let mut pictures = Vec::new();
    for (wide, width) in [("wide", 1280), ("narrow", 320)] {
        for scheme in ["light", "dark"] {
            page.look(width, 800, scheme).await;
            for (name, session) in [("form", &open_one), ("paid", &paid)] {
                page.go(&text(&session["checkout_url"])).await;
                if name == "paid" {
                    page.wait_for("document.querySelector('#progress').dataset.state === 'done'").await;
                }
                let overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth").await;
                assert!(overflow.as_i64().is_some_and(|beyond| beyond <= 0), "{name} {wide}: {overflow}");
                let small =
                    "[...document.querySelectorAll('button')].some((b) => b.getBoundingClientRect().height < 44)";
                assert_eq!(page.evaluate(small).await, false, "large enough to be hit");
                let picture = page.picture().await;
                assert!(picture.starts_with(b"\x89PNG") && picture.len() > 4_000, "{name} {wide} {scheme}");
                if let Some(folder) = std::env::var_os("TENANTRY_SCREENSHOTS") {
                    let file = std::path::Path::new(&folder).join(format!("{name}-{wide}-{scheme}.png"));
                    std::fs::write(file, &picture).expect("written");
                }
                pictures.push(picture);
            }
        }
    }
    // Light and dark are not the same.
    assert_ne!(pictures[0], pictures[2]);
}
