-- Health of a Gemma4Deployment for Argo CD, by the same conditions and in the same order as kstatus, which Flux asks.
-- Argo CD runs it without Lua's libraries for strings, so it uses none.
local health = { status = "Progressing", message = "Waiting for the operator to look at this generation" }

if obj.metadata.deletionTimestamp ~= nil then
  health.message = "Being deleted"
  return health
end

if obj.status == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  return health
end

local found = {}
for _, condition in ipairs(obj.status.conditions or {}) do
  found[condition.type] = condition
end

local ready = found.Ready
if ready == nil then
  return health
end
health.message = ready.message

if found.Reconciling ~= nil and found.Reconciling.status == "True" then
  health.status = "Progressing"
elseif found.Stalled ~= nil and found.Stalled.status == "True" then
  health.status = "Degraded"
elseif obj.spec ~= nil and obj.spec.suspend == true then
  health.status = "Suspended"
elseif ready.status == "True" then
  health.status = "Healthy"
end
return health
