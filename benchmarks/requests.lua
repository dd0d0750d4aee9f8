-- Sends the requests of a file in turn: path, organization, key and perhaps a body to POST,
-- separated by tabs.
local requests, turn = {}, 0

function init(args)
  for line in io.lines(args[1]) do
    local path, organization, key, body = line:match("([^\t]+)\t([^\t]+)\t([^\t]+)\t?(.*)")
    local headers = { ["x-organization-id"] = organization, ["x-api-key"] = key }
    if body ~= "" then
      headers["content-type"] = "application/json"
      requests[#requests + 1] = wrk.format("POST", path, headers, body)
    else
      requests[#requests + 1] = wrk.format("GET", path, headers)
    end
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end
