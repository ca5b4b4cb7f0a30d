# Varnish 7 in front of Dateline, with vmod xkey (Debian: varnish and varnish-modules).
#
# Put your processes into `backend`, both times, and their networks into `purgers`; start each with
#   DATELINE_PURGE=http://THIS-VARNISH:6081/  DATELINE_CDN_MAX_AGE=600
#   DATELINE_TRUST_PROXY=THIS-VARNISH'S-ADDRESS
# With several Varnishes name all of them in DATELINE_PURGE.
vcl 4.1;

import directors;
import std;
import xkey;

# Who may purge: the processes of Dateline.
acl purgers {
  "127.0.0.1";
  "::1";
}

probe readiness {
  .url = "/readyz";
  .interval = 500ms;
  .timeout = 1s;
  .window = 3;
  .threshold = 2;
  .initial = 1;
}

backend one { .host = "127.0.0.1"; .port = "3001"; .probe = readiness; .connect_timeout = 1s; .first_byte_timeout = 60s; }
backend two { .host = "127.0.0.1"; .port = "3002"; .probe = readiness; .connect_timeout = 1s; .first_byte_timeout = 60s; }

# The same once more, without a probe: while the database is away none is ready, but all still answer readers
# from memory, and everyone else with a 503 that says why.
backend one_anyway { .host = "127.0.0.1"; .port = "3001"; .connect_timeout = 1s; .first_byte_timeout = 60s; }
backend two_anyway { .host = "127.0.0.1"; .port = "3002"; .connect_timeout = 1s; .first_byte_timeout = 60s; }

sub vcl_init {
  new ready = directors.round_robin();
  ready.add_backend(one);
  ready.add_backend(two);
  new anyway = directors.round_robin();
  anyway.add_backend(one_anyway);
  anyway.add_backend(two_anyway);
  new newsroom = directors.fallback();
  newsroom.add_backend(ready.backend());
  newsroom.add_backend(anyway.backend());
}

sub vcl_recv {
  set req.backend_hint = newsroom.backend();

  if (req.method == "PURGE") {
    if (client.ip !~ purgers) {
      return (synth(403, "Who purges must be in the list of purgers."));
    }
    if (!req.http.Surrogate-Key) {
      return (synth(400, "PURGE must name keys in Surrogate-Key."));
    }
    set req.http.X-Purged = xkey.purge(req.http.Surrogate-Key);
    return (synth(200, "Purged " + req.http.X-Purged));
  }

  # What a key reads is the caller's alone, and writes are never answered here.
  if (req.http.Authorization || (req.method != "GET" && req.method != "HEAD")) {
    return (pass);
  }
  # Nothing in front of Dateline's readers is told apart by cookies.
  unset req.http.Cookie;
  # Streams end when they end, and nobody else is to wait for one.
  if (req.url ~ "^/v1/changes") {
    return (pass);
  }
  # What has come of age is given for a moment while it is asked for anew, and for as long as its
  # answer allows while no process is ready.
  if (std.healthy(ready.backend())) {
    set req.grace = 30s;
  }
  return (hash);
}

sub vcl_backend_response {
  # The processes say with each answer how long it may be kept where it is purged (RFC 9213); none of it
  # reaches past what is planned. Without that word it is kept as by any cache, and given no longer.
  set beresp.grace = 0s;
  set beresp.keep = 60s;
  if (beresp.http.CDN-Cache-Control) {
    set beresp.ttl = std.duration(regsub(beresp.http.CDN-Cache-Control, "^.*max-age=(\d+).*$", "\1s"), 0s);
    set beresp.grace = std.duration(regsub(beresp.http.CDN-Cache-Control, "^.*stale-if-error=(\d+).*$", "\1s"), 0s);
  }
  set beresp.http.xkey = beresp.http.Surrogate-Key;

  if (beresp.status >= 500) {
    # What is in memory is better.
    if (bereq.is_bgfetch) {
      return (abandon);
    }
    # Another process may be less busy.
    if (beresp.status == 503 && bereq.retries == 0 && (bereq.method == "GET" || bereq.method == "HEAD")) {
      return (retry);
    }
    set beresp.ttl = 0s;
  }
  if (beresp.ttl <= 0s) {
    # Those who ask at the same time need not wait for each other; the first answer that may be kept ends it.
    set beresp.ttl = 1s;
    set beresp.uncacheable = true;
  }
  return (deliver);
}

sub vcl_backend_error {
  if (bereq.is_bgfetch) {
    return (abandon);
  }
  # A process that has just ended is asked no more within a second; the other answers.
  if (bereq.retries < 2 && (bereq.method == "GET" || bereq.method == "HEAD")) {
    return (retry);
  }
  set beresp.http.Content-Type = "application/problem+json; charset=utf-8";
  set beresp.http.Cache-Control = "no-store";
  set beresp.http.Retry-After = "1";
  set beresp.body = """{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"No process of Dateline answers."}""";
  return (deliver);
}

sub vcl_deliver {
  if (resp.http.CDN-Cache-Control) {
    # What would not be true any more would have been purged, so it has not aged.
    unset resp.http.Age;
  }
  if (obj.hits > 0) {
    # These were another's.
    unset resp.http.X-Request-Id;
    unset resp.http.RateLimit;
    unset resp.http.RateLimit-Policy;
  }
  unset resp.http.CDN-Cache-Control;
  unset resp.http.Surrogate-Key;
  unset resp.http.xkey;
  unset resp.http.X-Varnish;
  unset resp.http.Via;
  set resp.http.X-Cache = "miss";
  if (obj.hits > 0) {
    set resp.http.X-Cache = "hit";
  }
}
