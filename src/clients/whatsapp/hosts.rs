//! The hosts that our bearer token may go to for media. A URL may come from an answer or a
//! redirect: whatever host it names, the token goes to these only.

use reqwest::Url;

/// Allowed hosts: `lookaside.fbsbx.com,*.fbcdn.net,127.0.0.1:8081`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaHosts(Vec<Entry>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    host: Host,
    port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Exactly(String),
    /// With its leading dot.
    Below(String),
}

/// An entry of the list cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{entry:?} is neither host, host:port nor *.domain")]
pub struct NotMediaHosts {
    entry: String,
}

impl MediaHosts {
    /// Reads a comma-separated list of `host`, `host:port` and `*.domain` (any subdomain, not the
    /// domain itself). At least one.
    pub fn parse(text: &str) -> Result<Self, NotMediaHosts> {
        let entries = text.split(',').map(str::trim).filter(|it| !it.is_empty());
        let entries = entries.map(Entry::parse).collect::<Result<Vec<_>, _>>()?;
        if entries.is_empty() {
            return Err(NotMediaHosts { entry: text.to_owned() });
        }
        Ok(Self(entries))
    }

    /// Whether the token may go to `url`: an allowed host, over TLS unless on this machine.
    pub(super) fn allow(&self, url: &Url) -> bool {
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return false;
        };
        let safe = match url.scheme() {
            "https" => true,
            "http" => is_loopback(host),
            _ => false,
        };
        safe && url.username().is_empty()
            && url.password().is_none()
            && self.0.iter().any(|it| it.port == port && it.host.is(host))
    }
}

impl Entry {
    fn parse(entry: &str) -> Result<Self, NotMediaHosts> {
        let refused = || NotMediaHosts { entry: entry.to_owned() };
        let (below, rest) = match entry.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, entry),
        };
        if rest.contains(['*', '/', '@', '?', '#', '\\']) || rest.contains(char::is_whitespace) {
            return Err(refused());
        }
        let url = Url::parse(&format!("https://{rest}/")).map_err(|_| refused())?;
        let host = url.host_str().ok_or_else(refused)?;
        let host =
            if below { Host::Below(format!(".{host}")) } else { Host::Exactly(host.to_owned()) };
        Ok(Self { host, port: url.port().unwrap_or(443) })
    }
}

impl Host {
    fn is(&self, host: &str) -> bool {
        match self {
            Self::Exactly(name) => host == name,
            Self::Below(domain) => host.len() > domain.len() && host.ends_with(domain.as_str()),
        }
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse().is_ok_and(|it: std::net::IpAddr| it.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(hosts: &str, url: &str, expected: bool) {
        let hosts = MediaHosts::parse(hosts).unwrap();
        assert_eq!(hosts.allow(&Url::parse(url).unwrap()), expected, "{url}");
    }

    #[test]
    fn the_token_goes_to_the_listed_hosts_only() {
        let hosts = "lookaside.fbsbx.com, *.fbcdn.net,*.whatsapp.net";
        check(hosts, "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1", true);
        check(hosts, "https://LOOKASIDE.fbsbx.com:443/", true);
        check(hosts, "https://scontent.xx.fbcdn.net/a", true);
        check(hosts, "https://fbcdn.net/", false);
        check(hosts, "https://evilfbcdn.net/", false);
        check(hosts, "https://fbcdn.net.evil.example/", false);
        check(hosts, "https://lookaside.fbsbx.com.evil.example/", false);
        check(hosts, "https://lookaside.fbsbx.com@evil.example/", false);
        check(hosts, "https://user:pass@lookaside.fbsbx.com/", false);
        check(hosts, "https://lookaside.fbsbx.com:8443/", false);
        check(hosts, "http://lookaside.fbsbx.com/", false);
        check(hosts, "http://lookaside.fbsbx.com:443/", false);
        check(hosts, "file:///etc/passwd", false);
    }

    #[test]
    fn without_tls_it_stays_on_this_machine() {
        check("127.0.0.1:8081", "http://127.0.0.1:8081/media", true);
        check("[::1]:8081", "http://[::1]:8081/media", true);
        check("localhost:8081", "http://localhost:8081/media", true);
        check("127.0.0.1:8081", "http://127.0.0.1:8082/media", false);
        check("10.0.0.7:8081", "http://10.0.0.7:8081/media", false);
        check("10.0.0.7:8081", "https://10.0.0.7:8081/media", true);
    }

    #[test]
    fn a_list_that_cannot_be_meant_is_refused() {
        for bad in ["", " , ", "a.*.b", "https://x", "x/y", "x:99999", "*.", "a b"] {
            assert!(MediaHosts::parse(bad).is_err(), "{bad}");
        }
    }
}
