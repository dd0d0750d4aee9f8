-- Sends the requests of a file in turn: path, organization and key, separated by tabs.
local requests, turn = {}, 0

function init(args)
  for line in io.lines(args[1]) do
    local path, organization, key = line:match("([^\t]+)\t([^\t]+)\t([^\t]+)")
    local headers = { ["x-organization-id"] = organization, ["x-api-key"] = key }
    requests[#requests + 1] = wrk.format("GET", path, headers)
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end
