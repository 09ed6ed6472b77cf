-- Run by mod_magnet (magnet.attract-response-start-to) when an answer is about to be sent: no shared
-- cache may keep what a user was shown. An application's own Cache-Control stays.
local r = lighty.r
if (r.req_env["AUTH_USER"] or "") ~= "" and not r.resp_header["Cache-Control"] then
  r.resp_header["Cache-Control"] = "private, no-cache"
end
return 0
