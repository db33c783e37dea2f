// What the page knows of the nodes, folded from events as the read model node-directory folds them; pure, so that tests can hold it to that.

/** States of health, in the order in which they are shown. */
export const statuses = ['healthy', 'unhealthy', 'offline', 'registered']
/** Never by colour alone: each has a shape and its name. */
export const marks = { healthy: '●', unhealthy: '▲', offline: '■', registered: '○' }

/** Takes an event in. Answers the id of the node that changed; undefined for an event of something else. */
export function applyEvent(nodes, { type, data, metadata }) {
  const node = nodes.get(data.nodeId)
  switch (type) {
    case 'NodeRegistered':
      nodes.set(data.nodeId, {
        nodeId: data.nodeId,
        status: 'registered',
        profile: data.profile,
        reputation: node?.reputation ?? null,
        vitals: null,
        lastHeartbeatAt: null,
      })
      return data.nodeId
    case 'NodeDeregistered':
      nodes.delete(data.nodeId)
      return data.nodeId
    case 'NodeUpdated':
      return changed({ profile: data.profile })
    case 'HeartbeatRecorded':
      return changed({ vitals: data.vitals, lastHeartbeatAt: metadata.recordedAt })
    case 'NodeHealthChanged':
      return changed({ status: data.to })
    case 'ReputationChanged':
      return changed({ reputation: data.new })
    default:
      return undefined
  }

  function changed(change) {
    if (node) nodes.set(node.nodeId, { ...node, ...change })
    return data.nodeId
  }
}

/** The nodes that are asked for, by id. */
export function chosen(nodes, { status, text }) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  return [...nodes.values()]
    .filter((node) => status === 'all' || node.status === status)
    .filter(({ nodeId, profile: { region, platform, arch, version, capabilities } }) => {
      const searched = [nodeId, region, platform, arch, version, ...(capabilities ?? [])].join(' ').toLowerCase()
      return words.every((word) => searched.includes(word))
    })
    .sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1))
}

/** How many nodes are in each state, and in all. */
export function counts(nodes) {
  const found = { all: nodes.size, ...Object.fromEntries(statuses.map((status) => [status, 0])) }
  for (const { status } of nodes.values()) found[status] += 1
  return found
}

/**
 * The path of an SVG line through values between 0 and `most` over `width` × `height`, oldest first; where there is no value there is no line.
 */
export function linePath(values, most, width, height) {
  const step = values.length > 1 ? width / (values.length - 1) : 0
  let pen = 'M'
  return values
    .map((value, at) => {
      if (value === null) {
        pen = 'M'
        return ''
      }
      const y = height - (Math.min(Math.max(value, 0), most) / most) * height
      const point = `${pen}${(at * step).toFixed(1)} ${y.toFixed(1)}`
      pen = 'L'
      return point
    })
    .join('')
}

/** What an event says, in a few words. */
export function summary({ type, stream, data }) {
  const id = data.nodeId ?? stream.slice(stream.indexOf('-') + 1)
  const about = {
    NodeHealthChanged: () => `${data.from} → ${data.to}${data.reasons?.length ? ` (${data.reasons.join(', ')})` : ''}`,
    ReputationChanged: () => `${data.old} → ${data.new}`,
    HeartbeatRecorded: () => `load ${(data.vitals.loadPermille / 1000).toFixed(2)}`,
  }[type]
  return { type, id, text: about ? about() : '' }
}
