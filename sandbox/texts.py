"""The words on the pages: Chinese first, English second."""

# Chinese punctuation is meant as it stands.
# ruff: noqa: RUF001

TEXTS: dict[str, tuple[str, str]] = {
    "sandbox": ("沙盒", "Sandbox"),
    "tagline": ("本机上的 Telegram 替身", "A Telegram stand-in on this machine"),
    "home_title": ("不用真机器人，也能从头试到尾", "Try everything without a real bot"),
    "home_text": (
        "这里假扮 Telegram：向 BotFather 领一个 Token，粘到后台，再回来和你的机器人聊天。所有消息只留在这台电脑上。",
        "A make-believe Telegram: get a token from BotFather, paste it into your console, come back and chat.",
    ),
    "open_botfather": ("找 BotFather 领 Token", "Get a token from BotFather"),
    "your_bots": ("机器人", "Bots"),
    "groups_and_channels": ("群组和频道", "Groups and channels"),
    "no_bots": ("还没有机器人", "No bots yet"),
    "no_bots_text": ("先去 BotFather 那里创建一个，只要几秒。", "Create one at BotFather, it takes seconds."),
    "open_chat": ("打开聊天", "Open chat"),
    "is_polled": ("正在接收（轮询）", "Receiving (polling)"),
    "has_webhook": ("正在接收（Webhook）", "Receiving (webhook)"),
    "is_silent": ("还没有程序接收", "Nobody listens yet"),
    "waiting": ("条待取", "waiting"),
    "botfather_title": ("创建一个新机器人", "Create a new bot"),
    "botfather_text": (
        "和真的 @BotFather 一样：起个名字，选个用户名，拿到 Token。",
        "Just like the real @BotFather: pick a name, pick a username, get a token.",
    ),
    "bot_name": ("显示名称", "Name"),
    "bot_name_hint": ("例如：小满的店", "For example: Corner Shop"),
    "bot_username": ("用户名", "Username"),
    "bot_username_hint": ("英文字母、数字、下划线，以 bot 结尾", "Letters, digits, underscores; ends in bot"),
    "create_bot": ("创建机器人", "Create bot"),
    "created": ("创建成功！这是 Token，请粘到后台：", "Done! Here is the token for your console:"),
    "copy": ("复制", "Copy"),
    "copied": ("已复制", "Copied"),
    "show": ("显示", "Show"),
    "hide": ("隐藏", "Hide"),
    "token": ("机器人 Token", "Token"),
    "revoke": ("换新 Token", "New token"),
    "revoke_sure": (
        "旧 Token 会立刻失效，用它的程序会断开。确定换新的？",
        "The old token stops working at once. Make a new one?",
    ),
    "revoked": ("新 Token 已生效，旧的已作废。", "The new token works, the old one is dead."),
    "delete": ("删除", "Delete"),
    "delete_sure": ("删除后聊天记录也没了。确定删除？", "Its chats go too. Delete it?"),
    "yes": ("确定", "Yes"),
    "no": ("取消", "Cancel"),
    "back": ("返回", "Back"),
    "start": ("开始", "Start"),
    "restart": ("重新启用", "Restart bot"),
    "block": ("屏蔽机器人", "Block bot"),
    "join": ("加入", "Join"),
    "leave": ("退出", "Leave"),
    "bot": ("机器人", "bot"),
    "typing": ("正在输入…", "typing…"),
    "sending_file": ("正在发送文件…", "sending a file…"),
    "members": ("位成员", "members"),
    "channel": ("频道", "channel"),
    "group": ("群组", "group"),
    "message": ("输入消息", "Message"),
    "send": ("发送", "Send"),
    "commands": ("命令", "Commands"),
    "you_are": ("你的身份", "You are"),
    "new_user": ("新用户…", "New user…"),
    "new_user_name": ("新用户叫什么？", "What is the new user's name?"),
    "empty_chat": (
        "还没有消息。点下面的“开始”打个招呼。",
        "No messages here yet. Press Start to say hello.",
    ),
    "empty_group": ("还没有消息", "No messages here yet"),
    "edited": ("已编辑", "edited"),
    "download": ("下载", "Download"),
    "offline": ("连接断开，正在重试…", "Connection lost, trying again…"),
    "menu": ("更多", "More"),
    "more_buttons": ("显示或收起按钮", "Show or hide buttons"),
    "other_language": ("English", "中文"),
    "not_found": ("没有这个页面", "No such page"),
    "not_found_text": (
        "可能机器人已被删除，或者地址写错了。",
        "The bot may have been deleted, or the address is wrong.",
    ),
    "username_invalid": (
        "用户名需 5–32 位，只能用英文字母、数字和下划线。",
        "5 to 32 letters, digits or underscores, please.",
    ),
    "username_must_end_in_bot": (
        "用户名要以 bot 结尾，例如 shop_bot。",
        "The username must end in bot, like shop_bot.",
    ),
    "username_taken": ("这个用户名已被占用，换一个吧。", "This username is taken, try another."),
    "username_missing": ("请填写用户名。", "Please give a username."),
    "failed": ("没成功，请再试一次。", "That did not work, please try again."),
    "today": ("今天", "Today"),
    "newest": ("回到最新消息", "To the newest message"),
    "alert_ok": ("好", "OK"),
}

LANGUAGES = {"zh": 0, "en": 1}


def words(language: str) -> dict[str, str]:
    """All texts in one language."""
    index = LANGUAGES[language]
    return {key: pair[index] for key, pair in TEXTS.items()}
