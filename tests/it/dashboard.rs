//! The dashboard through real HTTP, with messages that came the whole way.

mod browser;
mod security;
mod entries;
mod pages;
mod jobs;
mod past;

use paragon::app::Failure;
use paragon::app::dashboard::Dashboard;
use paragon::clock::Clock;
use paragon::settings::{DashboardSettings, Source};
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The hash of [`PASSWORD`], as `paragon dashboard --hash-password` made it.
const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$AsiQBcSK3G2rTBRwYEYmaA$bEQjhEaa0jdeayiIthMOV5+YiZW7HLATNqcPp3RXs2k";
const PASSWORD: &str = "correct horse";

/// A dashboard and a browser without scripts before it.
pub struct Desk {
    pub base: String,
    browser: reqwest::Client,
    cookie: std::sync::Mutex<Option<String>>,
    served: JoinSet<Result<(), Failure>>,
    stop: CancellationToken,
}

/// What came back.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |it| it.to_str().unwrap())
    }
}

impl Desk {
    /// Without a password, on loopback.
    pub fn open(database_url: &str) -> Self {
        Self::start(&[("DATABASE_URL", database_url)], Clock::system())
    }

    /// With [`PASSWORD`].
    pub fn locked(database_url: &str, clock: Clock) -> Self {
        Self::start(&[("DATABASE_URL", database_url), ("DASHBOARD_PASSWORD_HASH", HASH)], clock)
    }

    fn start(settings: &[(&str, &str)], clock: Clock) -> Self {
        let mut settings = settings.to_vec();
        settings.push(("DASHBOARD_ADDR", "127.0.0.1:0"));
        let settings = DashboardSettings::from(&Source::given(settings)).unwrap();
        paragon::clients::http::install_tls();
        let dashboard = Dashboard::bind(&settings, clock).unwrap();
        let base = format!("http://{}", dashboard.address());
        let stop = CancellationToken::new();
        let mut served = JoinSet::new();
        served.spawn(dashboard.run(stop.clone()));
        let browser = reqwest::Client::builder().no_proxy().redirect(Policy::none());
        let cookie = std::sync::Mutex::new(None);
        Self { base, browser: browser.build().unwrap(), cookie, served, stop }
    }

    pub async fn end(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.served.join_next().await {
            ended.unwrap().unwrap();
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.browser.get(format!("{}{path}", self.base))).await
    }

    /// The page as text; it must be one.
    pub async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.text()
    }

    /// What a form of a page sends: with this session's token, from this dashboard's own page.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.token().await;
        let mut fields = fields.to_vec();
        fields.push(("csrf", &token));
        self.send(self.form(path, &fields).header("Origin", &self.base)).await
    }

    /// A form as it is, with nothing besides.
    pub fn form(&self, path: &str, fields: &[(&str, &str)]) -> reqwest::RequestBuilder {
        let mut body = form_urlencoded::Serializer::new(String::new());
        let kind = ("Content-Type", "application/x-www-form-urlencoded");
        let form = self.browser.post(format!("{}{path}", self.base)).header(kind.0, kind.1);
        form.body(body.extend_pairs(fields).finish())
    }

    /// Sends with the cookie, and keeps the one that comes back.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let cookie = self.cookie.lock().unwrap().clone();
        let request = match cookie {
            Some(cookie) => request.header("Cookie", cookie),
            None => request,
        };
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        if let Some(set) = headers.get("set-cookie") {
            let set = set.to_str().unwrap().split(';').next().unwrap().to_owned();
            *self.cookie.lock().unwrap() = Some(set);
        }
        Answer { status, headers, body: answer.bytes().await.unwrap().to_vec() }
    }

    /// The token that the session's forms carry.
    pub async fn token(&self) -> String {
        let mut page = self.get("/audit").await;
        if page.status == 303 {
            page = self.get("/login").await;
        }
        let text = page.text();
        let (_, rest) = text.split_once("name=\"csrf\" value=\"").expect("a form");
        rest.split('"').next().unwrap().to_owned()
    }

    pub async fn sign_in(&self, password: &str) -> Answer {
        self.post("/login", &[("password", password)]).await
    }
}
