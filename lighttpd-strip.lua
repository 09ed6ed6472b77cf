-- Run by mod_magnet (magnet.attract-raw-url-to) at the beginning of every request, and once more when
-- the authorizer has let a request pass.

-- Headers in which applications expect an identity. "-" stands for any character that is neither a
-- letter nor a digit: CGI and many applications take X_Auth_User and X.Auth.User for X-Auth-User.
local identity = {
  ["authuser"] = true, ["authroles"] = true, ["authnavigation"] = true,
  ["auth-user"] = true, ["auth-roles"] = true, ["auth-session"] = true, ["auth-time"] = true,
  ["auth-degraded"] = true, ["auth-navigation"] = true, ["remote-user"] = true,
  ["x-auth-user"] = true, ["x-auth-roles"] = true, ["x-remote-user"] = true,
  ["x-forwarded-user"] = true, ["proxy"] = true,
}

local r = lighty.r
local env, header = r.req_env, r.req_header

-- First collected, then removed: the list must not change while it is walked through.
local spoofed = {}
for name in pairs(header) do
  if identity[string.lower((string.gsub(name, "[^%w]", "-")))] then
    spoofed[#spoofed + 1] = name
  end
end
for _, name in ipairs(spoofed) do
  header[name] = nil
end

-- To lighttpd an authorizer's empty or broken answer means yes. The mark of the first run shows the
-- second: that one must come with an identity, or with the word that none is needed here. (An address
-- that was rewritten in between starts anew.)
local target = r.req_attr["request.uri"]
if env["DOORWARD_ASKED"] ~= target then
  env["DOORWARD_ASKED"] = target
  return 0
end
if (env["AUTH_USER"] or "") == "" and env["AUTH_ANONYMOUS"] ~= "1" then
  return 503
end

-- For proxied applications; programs (CGI, FastCGI) read REMOTE_USER, AUTH_USER and AUTH_ROLES from
-- their environment.
header["AuthUser"] = env["AUTH_USER"]
header["AuthRoles"] = env["AUTH_ROLES"]
header["AuthNavigation"] = env["AUTH_NAVIGATION"]
return 0
