/** The policy in force while there is no policy file. */
export const defaultPolicy = `# Countersign policy. The first rule that matches a change wins; what no rule matches is asked for.
# Reading is always allowed. At low and medium risk a tap in Telegram is enough. Above that a tap is not: the card opens the page
# of the action, where the server's name has to be typed by hand, or a passkey or a fresh code given. Where a rule of your own
# takes a tap at high risk (channels with telegram, strength: tap), it takes two. On a locked server only signatures count,
# whatever a rule says. An answer given in the assistant's own client (channel ide) counts at low risk only,
# and only for people who switched that on for themselves.
format: countersign-policy/1
rules:
  - name: critical-risk
    when:
      risk: [critical]
    ask:
      approvals: 1
      from: [approver, owner]
      channels: [telegram, web, cli] # a card in Telegram tells, and leads to the page: what decides is strength
      strength: session
      expires: 15m
  - name: high-risk
    when:
      risk: [high]
    ask:
      approvals: 1
      from: [approver, owner]
      channels: [telegram, web, cli]
      strength: session
      expires: 15m
  - name: medium-risk
    when:
      risk: [medium]
    ask:
      approvals: 1
      from: [approver, owner]
      channels: [telegram, web, cli]
      strength: tap
      expires: 15m
  - name: low-risk
    when:
      risk: [low]
    ask:
      approvals: 1
      from: [approver, owner]
      channels: [telegram, web, cli, ide]
      strength: form
      expires: 15m
`;
