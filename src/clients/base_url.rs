//! Where an API lives. Built once from a setting; every address is made from it by segments, so
//! that no id can lead out of its path.

use std::fmt;

use reqwest::Url;

/// The root of an API, for example `https://graph.facebook.com/v26.0`.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct BaseUrl(Url);

/// The text is not the root of an API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotABaseUrl {
    /// Not a URL with a host.
    #[error("not an http:// or https:// URL")]
    NotHttp,
    /// A user name or a password in it would end up in logs.
    #[error("a base URL carries no user name and no password")]
    WithCredentials,
    /// A query or a fragment cannot be kept when a path is added.
    #[error("a base URL has neither query nor fragment")]
    WithQuery,
}

impl BaseUrl {
    /// Takes an `http` or `https` URL; a slash at the end is the same as none.
    pub fn parse(text: &str) -> Result<Self, NotABaseUrl> {
        let url = Url::parse(text.trim()).map_err(|_| NotABaseUrl::NotHttp)?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(NotABaseUrl::NotHttp);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(NotABaseUrl::WithCredentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(NotABaseUrl::WithQuery);
        }
        Ok(Self(url))
    }

    /// The address of `segments` below the root, each of them escaped.
    pub fn join(&self, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        url.path_segments_mut().expect("an http URL has a path").pop_if_empty().extend(segments);
        url
    }
}

/// Where our own API is reached from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(BaseUrl);

impl PublicUrl {
    /// Takes an `http` or `https` URL, with the path that a proxy puts before ours.
    pub fn parse(text: &str) -> Result<Self, NotABaseUrl> {
        BaseUrl::parse(text).map(Self)
    }

    /// The address of `segments` below it, with this query.
    pub fn link(&self, segments: &[&str], query: &str) -> String {
        let mut url = self.0.join(segments);
        url.set_query(Some(query));
        url.into()
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaseUrl({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_at_the_end_changes_nothing() {
        for text in ["https://graph.facebook.com/v26.0", "https://graph.facebook.com/v26.0/"] {
            let url = BaseUrl::parse(text).unwrap().join(&["123", "messages"]);
            assert_eq!(url.as_str(), "https://graph.facebook.com/v26.0/123/messages");
        }
        let bare = BaseUrl::parse("https://api.stripe.com").unwrap();
        assert_eq!(bare.join(&["v1", "customers"]).as_str(), "https://api.stripe.com/v1/customers");
    }

    #[test]
    fn a_segment_cannot_lead_out_of_its_path() {
        let base = BaseUrl::parse("http://127.0.0.1:9/v26.0").unwrap();
        assert_eq!(base.join(&["../me?x=1"]).as_str(), "http://127.0.0.1:9/v26.0/..%2Fme%3Fx=1");
    }

    #[test]
    fn what_is_no_root_of_an_api_is_refused() {
        assert_eq!(BaseUrl::parse("graph.facebook.com"), Err(NotABaseUrl::NotHttp));
        assert_eq!(BaseUrl::parse("ftp://x/"), Err(NotABaseUrl::NotHttp));
        assert_eq!(BaseUrl::parse("https://a:b@x/"), Err(NotABaseUrl::WithCredentials));
        assert_eq!(BaseUrl::parse("https://x/?a=b"), Err(NotABaseUrl::WithQuery));
    }
}
